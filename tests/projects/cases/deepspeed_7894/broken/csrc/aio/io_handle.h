#pragma once
#include <memory>

struct io_op_desc_t;
std::shared_ptr<io_op_desc_t> create_io_op_desc(int fd, bool reading);

struct io_handle_t {
  std::shared_ptr<io_op_desc_t> _create_io_op_desc(int fd, bool reading);
  int pread(int fd);
};
