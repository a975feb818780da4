#pragma once
namespace FORWARD {
void preprocess(int count);
}
