// Which CPU each worker is tied to with `workers.pin`: its caches stay its own, and the kernel
// moves it nowhere. The control thread and others are never tied.
#pragma once

#include <vector>

namespace penstock::app {

// The CPUs of this thread's affinity mask, ascending; empty if the kernel does not say.
[[nodiscard]] std::vector<int> allowed_cpus();

// One CPU for each worker, in turn; more workers than CPUs share them. Empty without any CPU.
[[nodiscard]] std::vector<int> cpus_for(int workers, const std::vector<int>& allowed);

// False if the kernel refuses.
[[nodiscard]] bool pin_this_thread(int cpu) noexcept;

}  // namespace penstock::app
