#pragma once

int flash_prefill_forward_bf16(const void* query, void* out);
