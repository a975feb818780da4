#pragma once

struct handle_t {
  int block_size() const;
};

struct device_handle_t : handle_t {
  int queue_depth() const;
};
