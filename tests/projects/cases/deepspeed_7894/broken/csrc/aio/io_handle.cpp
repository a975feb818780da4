#include "io_handle.h"

int io_handle_t::pread(int fd) {
  auto scheduled = _create_io_op_desc(fd, true);
  return scheduled ? 1 : 0;
}
