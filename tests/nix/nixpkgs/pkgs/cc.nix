# The C compiler of this machine, whose programs use the C library of the store.
{ runCommand, glibc }:
runCommand "cc" { } ''
  mkdir -p $out/bin
  cat >$out/bin/cc <<'END'
  #!/bin/bash
  for word; do
    case $word in -static | -static-pie | -c | -E | -S) exec /usr/bin/gcc "$@" ;; esac
  done
  exec /usr/bin/gcc "$@" -Wl,-rpath,${glibc}/lib -Wl,--dynamic-linker=${glibc}/lib/ld-linux-x86-64.so.2
  END
  chmod +x $out/bin/cc
''
