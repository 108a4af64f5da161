# A thin front: system packages, the head's npm package, CMake presets, run. `make demo` and `make test` can be run again at no cost.
.PHONY: demo test build install setup clean train-compact
PREFIX ?= /usr/local
BUILD := build/release
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
OUT ?= training
DEMO_PHOTO := build/demo/astronaut.png

demo: build $(DEMO_PHOTO)
	$(BUILD)/cli/likeness fit $(DEMO_PHOTO) -o out
	@echo "Look at out/astronaut/panel.png: photo | network | client"

test: build
	ctest --preset release

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

# Renders, trains and exports the networks that ship, on CPUs; goes on where it was interrupted (docs/training.md). Needs PyTorch:
# apt-get install python3-torch python3-numpy python3-pil. PORTRAITS=DIR adapts to photographs; MINUTES=5 tries everything out.
train-compact: setup
	@test -f $(BUILD)/build.ninja || cmake --preset release
	cmake --build --preset release --target likeness head_asset
	$(PYTHON) train/compact.py --client $(BUILD)/cli/likeness --out "$(OUT)" $(if $(PORTRAITS),--portraits "$(PORTRAITS)") \
	  $(if $(MINUTES),--minutes $(MINUTES)) $(if $(JOBS),--jobs $(JOBS))

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
