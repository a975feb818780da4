#pragma once
struct Layer {
  int width;
};
