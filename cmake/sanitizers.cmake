# sanitizers: NORIA_SANITIZE instruments everything below this directory; the first finding ends the program.
if(NORIA_SANITIZE STREQUAL "address")
    set(sanitizers -fsanitize=address,undefined)
elseif(NORIA_SANITIZE STREQUAL "thread")
    set(sanitizers -fsanitize=thread)
elseif(NORIA_SANITIZE)
    message(FATAL_ERROR "NORIA_SANITIZE is '${NORIA_SANITIZE}'; it can be empty, address or thread")
endif()
if(NORIA_SANITIZE)
    add_compile_options(${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(${sanitizers})
    # For tests that must know: the compilers' own macros differ. NORIA_SANITIZED_ADDRESS, NORIA_SANITIZED_THREAD.
    string(TOUPPER ${NORIA_SANITIZE} instrument)
    add_compile_definitions(NORIA_SANITIZED NORIA_SANITIZED_${instrument})
endif()
# SPDX-License-Identifier: BSL-1.0
