#pragma once

int start_thread();
int describe_operation(int handle);
int open_handle();
