# Programs of this machine, with the libraries that they need, so that they run where nothing else is.
{ lib, runCommand, glibc }:
{ name, programs }:
runCommand name { meta.mainProgram = name; } ''
  mkdir -p $out/bin $out/lib
  for program in ${lib.concatStringsSep " " programs}; do
    # By its own name, also where it is a link to another one.
    cp -L $program $out/bin
    ldd $program | awk '$2 == "=>" { print $3 }' | while read -r library; do
      [ -e ${glibc}/lib/''${library##*/} ] || cp -Lf $library $out/lib
    done
  done
  chmod -R u+w $out
  patchelf --set-interpreter ${glibc}/lib/ld-linux-x86-64.so.2 --set-rpath $out/lib:${glibc}/lib $out/bin/*
  for library in $out/lib/*; do
    [ ! -e $library ] || patchelf --set-rpath $out/lib:${glibc}/lib $library
  done
''
