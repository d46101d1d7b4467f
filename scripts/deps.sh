#!/bin/sh
# Finds, or installs, what building llama.cpp needs beside Rust: cmake, libclang
# (for bindgen) and a C++17 compiler. Python with pip is needed to fetch the
# starter model. Says in one sentence what is missing where it cannot install.
set -eu

say() { printf '%s\n' "$*" >&2; }

have_cxx17() {
    compiler=${CXX:-}
    for candidate in $compiler c++ g++ clang++; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        printf '#include <filesystem>\nint main() { return std::filesystem::exists("/") ? 0 : 1; }\n' |
            "$candidate" -std=c++17 -fsyntax-only -x c++ - >/dev/null 2>&1 && return 0
    done
    return 1
}

have_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    for folder in /usr/lib/llvm*/lib /usr/lib64 /usr/lib /usr/lib/*-linux-gnu /usr/local/lib \
        /opt/homebrew/opt/llvm/lib /usr/local/opt/llvm/lib \
        /Library/Developer/CommandLineTools/usr/lib \
        /Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib; do
        for library in "$folder"/libclang.so* "$folder"/libclang-*.so* "$folder"/libclang.dylib; do
            [ -e "$library" ] && return 0
        done
    done
    return 1
}

have_pip() { command -v python3 >/dev/null 2>&1 && python3 -m pip --version >/dev/null 2>&1; }

missing() {
    list=""
    command -v cmake >/dev/null 2>&1 || list="$list cmake"
    have_libclang || list="$list libclang"
    have_cxx17 || list="$list c++17-compiler"
    have_pip || list="$list python3-pip"
    printf '%s' "$list"
}

command -v cargo >/dev/null 2>&1 || {
    say "Rust is missing: install it with rustup (see the Rust project's site), then run make again."
    exit 1
}

need=$(missing)
[ -z "$need" ] && exit 0
say "Missing for the build:$need. Installing."

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1; then
        as_root="sudo"
    fi
fi

if command -v apt-get >/dev/null 2>&1; then
    $as_root apt-get update -qq || true
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq cmake libclang-dev g++ python3-pip
elif command -v dnf >/dev/null 2>&1; then
    $as_root dnf install -y -q cmake clang-devel gcc-c++ python3-pip
elif command -v pacman >/dev/null 2>&1; then
    $as_root pacman -S --needed --noconfirm cmake clang gcc python-pip
elif command -v brew >/dev/null 2>&1; then
    command -v cmake >/dev/null 2>&1 || brew install cmake
    have_libclang || brew install llvm
    have_cxx17 || xcode-select --install
else
    say "No package manager known here (apt, dnf, pacman, Homebrew): install$need by hand, then run make again."
    exit 1
fi

need=$(missing)
[ -z "$need" ] || {
    say "Still missing after the installation:$need. Install it by hand, then run make again."
    exit 1
}
