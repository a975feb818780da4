// Every operator of the table, for torch's keys CPU and CUDA; the latter is ROCm's too.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <utility>

#include "native/cpu/run.h"
#include "native/gpu/run.h"
#include "native/operators/checks.h"
#include "native/operators/request.h"

namespace {

using opparity::kOperatorRows;
using opparity::OperatorRow;

constexpr size_t kRowCount = sizeof kOperatorRows / sizeof kOperatorRows[0];

using Boxed = void (*)(StableIValue*, uint64_t, uint64_t);

// One function for each row, as torch calls it without saying for which.
template <size_t Row, void (*Run)(const opparity::Call&)>
void boxed(StableIValue* stack, uint64_t, uint64_t) {
  const OperatorRow& row = kOperatorRows[Row];
  opparity::Request request = opparity::take_request(row, stack);
  const opparity::Call call = opparity::check(request);
  if (row.scale_of_others != 0 && request.rows.has_value()) {
    // All of them, on the stream that the kernel follows on: where the others begin, only the
    // device knows.
    torch::stable::fill_(request.scales->tensor, row.scale_of_others);
  }
  Run(call);
  if (row.mutates) return;
  stack[0] = torch::stable::detail::from(std::move(request.values->tensor));
  if (row.is_backward) {
    int place = 1;
    for (auto* gradient : {&request.gate_gradient, &request.weight_gradient}) {
      if (gradient->has_value()) {
        stack[place++] = torch::stable::detail::from(std::move((*gradient)->tensor));
      }
    }
    return;
  }
  stack[1] = torch::stable::detail::from(std::move(request.scales->tensor));
  if (row.has_columns) {
    stack[2] = torch::stable::detail::from(std::move(request.column_values->tensor));
    stack[3] = torch::stable::detail::from(std::move(request.column_scales->tensor));
  }
  if (request.sum.has_value()) {
    stack[2] = torch::stable::detail::from(std::move(request.sum->tensor));
  }
}

template <void (*Run)(const opparity::Call&), size_t... Rows>
void implement(torch::stable::detail::StableLibrary& library, std::index_sequence<Rows...>) {
  (library.impl(kOperatorRows[Rows].qualified_name, &boxed<Rows, Run>), ...);
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(opparity, library) {
  for (const OperatorRow& row : kOperatorRows) library.def(row.definition);
}

// The same kernels by another name, for the Python kernels that may stand in front of them
// (operators/switching.py).
STABLE_TORCH_LIBRARY_FRAGMENT(opparity_native, library) {
  for (const OperatorRow& row : kOperatorRows) library.def(row.definition);
}

STABLE_TORCH_LIBRARY_IMPL(opparity, CPU, library) {
  implement<opparity::run_on_cpu>(library, std::make_index_sequence<kRowCount>());
}

STABLE_TORCH_LIBRARY_IMPL(opparity, CUDA, library) {
  implement<opparity::run_on_gpu>(library, std::make_index_sequence<kRowCount>());
}

STABLE_TORCH_LIBRARY_IMPL(opparity_native, CPU, library) {
  implement<opparity::run_on_cpu>(library, std::make_index_sequence<kRowCount>());
}

STABLE_TORCH_LIBRARY_IMPL(opparity_native, CUDA, library) {
  implement<opparity::run_on_gpu>(library, std::make_index_sequence<kRowCount>());
}
