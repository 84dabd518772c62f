# The C library of this machine, in the store.
{ runCommand }:
runCommand "glibc" { } ''
  mkdir -p $out/lib
  cp /lib64/ld-linux-x86-64.so.2 $out/lib
  for name in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libnss_dns.so.2 libnss_files.so.2 libgcc_s.so.1 libstdc++.so.6; do
    cp /usr/lib/x86_64-linux-gnu/$name $out/lib 2>/dev/null || cp /lib/x86_64-linux-gnu/$name $out/lib
  done
''
