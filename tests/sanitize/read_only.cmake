# read_only: each file is read and not translated; what would have been made of it is an empty file.
add_compile_options("SHELL:-Xclang -fsyntax-only")
set(touch "<CMAKE_COMMAND> -E touch")
list(APPEND CMAKE_CXX_COMPILE_OBJECT "${touch} <OBJECT>")
set(CMAKE_CXX_LINK_EXECUTABLE "${touch} <TARGET>")
set(CMAKE_CXX_ARCHIVE_CREATE "${touch} <TARGET>")
set(CMAKE_CXX_ARCHIVE_APPEND "${touch} <TARGET>")
set(CMAKE_CXX_ARCHIVE_FINISH "${touch} <TARGET>")
# SPDX-License-Identifier: BSL-1.0
