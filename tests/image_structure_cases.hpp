// Hostile photos that break the structure of their format; the other classes are in image_hostile_cases.cc.
#pragma once

#include "hostile.hpp"

namespace likeness::testing {

void jpeg_structure(const CaseVisitor& visit);
void jpeg_tables(const CaseVisitor& visit);
void png_structure(const CaseVisitor& visit);
void png_checksums(const CaseVisitor& visit);
void bmp_structure(const CaseVisitor& visit);

}  // namespace likeness::testing
