#include "io_handle.h"

std::shared_ptr<io_op_desc_t> io_handle_t::_create_io_op_desc(int fd, bool reading) {
  return nullptr;
}
