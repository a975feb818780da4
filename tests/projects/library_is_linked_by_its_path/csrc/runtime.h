#pragma once

int launch_by_name(const char* name);
int streams_in_use();
