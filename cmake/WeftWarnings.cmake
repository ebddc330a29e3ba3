# The compiler and linker flags of everything that is built here. They are put on targets, never
# on the directory or the cache, so a project that adds this one keeps its own.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)

# Appends to `out` those of the flags that the compiler takes without a warning.
function(weft_accepted out)
  set(CMAKE_REQUIRED_FLAGS "-Werror")
  set(good ${${out}})
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "WEFT_HAS${flag}" var)
    check_c_compiler_flag(${flag} ${var})
    if(${var})
      list(APPEND good ${flag})
    endif()
  endforeach()
  set(${out} ${good} PARENT_SCOPE)
endfunction()

function(weft_accepted_by_linker out)
  set(good ${${out}})
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "WEFT_HAS_LINK_${flag}" var)
    check_linker_flag(C "LINKER:${flag}" ${var})
    if(${var})
      list(APPEND good "LINKER:${flag}")
    endif()
  endforeach()
  set(${out} ${good} PARENT_SCOPE)
endfunction()

set(weft_warnings "")
weft_accepted(weft_warnings
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
  -Werror=implicit-function-declaration -Werror=incompatible-pointer-types
  -Werror=int-conversion)
set(weft_lib_warnings "")
weft_accepted(weft_lib_warnings -Wconversion -Watomic-implicit-seq-cst)
if(WEFT_WERROR)
  list(APPEND weft_warnings -Werror)
endif()

set(weft_code_flags "")
weft_accepted(weft_code_flags
  -fexceptions -fno-omit-frame-pointer -fno-strict-overflow -fno-delete-null-pointer-checks
  -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64|i.86)$")
  weft_accepted(weft_code_flags -fcf-protection=branch)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  weft_accepted(weft_code_flags -mbranch-protection=standard)
endif()

# __FILE__ begins at the root of the project, wherever that lies; in a Release build so do the
# names in the debug information, and the same sources give the same bytes everywhere.
weft_accepted(weft_code_flags "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
weft_accepted(weft_file_prefix "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
list(APPEND weft_code_flags "$<$<CONFIG:Release>:${weft_file_prefix}>")

set(weft_link_flags "")
weft_accepted_by_linker(weft_link_flags -z,relro -z,now -z,noexecstack)
set(weft_lib_link_flags "")
weft_accepted_by_linker(weft_lib_link_flags -z,nodelete --as-needed)

set(weft_sanitize_flags "")
if(WEFT_SANITIZE STREQUAL "none")
  # An unoptimised build can't be fortified, and a sanitizer sees through only what is not.
  set(CMAKE_REQUIRED_FLAGS "-Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
  check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }" WEFT_HAS_FORTIFY)
  unset(CMAKE_REQUIRED_FLAGS)
  if(WEFT_HAS_FORTIFY)
    set(optimised "$<NOT:$<OR:$<CONFIG:Debug>,$<CONFIG:>>>")
    list(APPEND weft_code_flags
      "$<${optimised}:-U_FORTIFY_SOURCE>" "$<${optimised}:-D_FORTIFY_SOURCE=3>")
  endif()
  weft_accepted_by_linker(weft_lib_link_flags -z,defs)
  # A task's stack is small, so a frame of the library's must be; -O0 frames say nothing of that.
  weft_accepted(weft_has_frame -Wframe-larger-than=1024)
  if(weft_has_frame)
    list(APPEND weft_lib_warnings "$<$<NOT:$<CONFIG:Debug>>:-Wframe-larger-than=1024>")
  endif()
elseif(WEFT_SANITIZE STREQUAL "address")
  set(weft_sanitize_flags -fsanitize=address,undefined -fno-sanitize-recover=undefined)
elseif(WEFT_SANITIZE STREQUAL "undefined")
  set(weft_sanitize_flags -fsanitize=undefined -fno-sanitize-recover=undefined)
else()
  set(weft_sanitize_flags -fsanitize=${WEFT_SANITIZE})
endif()
if(NOT WEFT_SANITIZE STREQUAL "none")
  # A local that is read before it is written is the same rubbish in every run, and not zeros.
  weft_accepted(weft_code_flags -ftrivial-auto-var-init=pattern)
endif()

# weft_flags(target): what every C target of ours has in common, tests and examples included.
function(weft_flags target)
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS ON)
  set(c "$<COMPILE_LANGUAGE:C>")
  target_compile_options(${target} PRIVATE
    "$<${c}:${weft_warnings}>" "$<${c}:${weft_code_flags}>" "$<${c}:${weft_sanitize_flags}>")
  target_link_options(${target} PRIVATE ${weft_link_flags})
  # Whoever links an instrumented archive needs the sanitizer's runtime.
  target_link_options(${target} PUBLIC "$<BUILD_INTERFACE:${weft_sanitize_flags}>")
endfunction()

# weft_lib_flags(target): the stricter set of lib/.
function(weft_lib_flags target)
  weft_flags(${target})
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:C>:${weft_lib_warnings}>")
  set_target_properties(${target} PROPERTIES
    C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
endfunction()
