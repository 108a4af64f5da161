// Vector code for newer processors without a dependency: functions of plain loops are compiled twice, the loader picks one.
#pragma once

#include <cstddef>  // __GLIBC__

/// Before the definition of a function of plain loops. Its files are compiled with -ffp-contract=off, so that both versions give the
/// same bytes. Only where the tools can: GCC for x86-64 with GNU indirect functions, not under sanitizers, which start too late.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LIKENESS_CLONES __attribute__((target_clones("default", "avx2")))
#else
#define LIKENESS_CLONES
#endif
