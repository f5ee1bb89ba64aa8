# warnings: for everything below this directory, and for nothing of a project that contains us.
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor)
if(NORIA_WERROR)
    add_compile_options(-Werror)
endif()
# SPDX-License-Identifier: BSL-1.0
