// How many threads the default runner uses when nobody says.
#pragma once

namespace likeness {

constexpr int kMostThreads = 256;  // a slip in a variable must not start thousands

/// LIKENESS_NUM_THREADS, else OMP_NUM_THREADS (its first number), else the processors that this process may run on; 1 to kMostThreads. A
/// variable that is not a positive number counts as not set. Reads the environment anew at each call.
int default_thread_count();

}  // namespace likeness
