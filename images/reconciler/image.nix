{
  mkImage,
  passwd,
  provost,
  gitMinimal,
  openssh,
  cacert,
}:
mkImage {
  recipe = ./image.json;
  contents = [ passwd ];
  env = {
    PATH = "${provost}/bin:${gitMinimal}/bin:${openssh}/bin";
    SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
  };
}
