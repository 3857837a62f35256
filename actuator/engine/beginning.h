// Finds a run or an episode by its id or a unique beginning of it.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace mailhub::engine {

inline constexpr size_t kShortestBeginning = 6;  // of a run's id, in characters

// Checks ids one by one. Confined to one thread.
template <typename T>
class FindByBeginning {
 public:
  // `what`: "runs", for the message. Both must outlive this.
  FindByBeginning(std::string_view what, std::string_view typed) : what_(what), typed_(typed) {}

  void Look(std::string_view id, T* at) {
    if (!id.starts_with(typed_)) return;
    if (id == typed_) exact_ = at;
    several_ = several_ || found_ != nullptr;
    found_ = at;
  }
  // Null: no match. kInvalid: several ids begin with it, and none equals it.
  Result<T*> Found() const {
    if (exact_ != nullptr) return exact_;
    if (!several_) return found_;
    return Fail(ErrorKind::kInvalid,
                "several " + std::string(what_) + " begin with " + std::string(typed_));
  }

 private:
  const std::string_view what_;
  const std::string_view typed_;
  T* found_ = nullptr;
  T* exact_ = nullptr;
  bool several_ = false;
};

}  // namespace mailhub::engine
