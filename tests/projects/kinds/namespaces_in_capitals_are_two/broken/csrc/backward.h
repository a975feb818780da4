#pragma once
namespace BACKWARD {
void preprocess(int count);
}
