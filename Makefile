# A thin front: system packages, the head's npm package, CMake presets, run. `make demo` and `make test` can be run again at no cost.
.PHONY: demo test build install setup clean
PREFIX ?= /usr/local
BUILD := build/release
DEMO_PHOTO := build/demo/astronaut.png

demo: build $(DEMO_PHOTO)
	$(BUILD)/cli/likeness fit $(DEMO_PHOTO) -o out
	@echo "Look at out/astronaut/panel.png: photo | network | client"

test: build
	ctest --preset release

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

build: setup
	@test -f $(BUILD)/build.ninja || cmake --preset release
	cmake --build --preset release

setup: node_modules/.package-lock.json

# The lock file that npm leaves is the stamp of a finished install.
node_modules/.package-lock.json: package.json package-lock.json | packages
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: packages
packages:
	@scripts/install_packages.sh

$(DEMO_PHOTO): | packages
	scripts/fetch_demo_photo.sh $@

clean:
	rm -rf build out
