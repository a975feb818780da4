#pragma once

void group_quant(int rows);
