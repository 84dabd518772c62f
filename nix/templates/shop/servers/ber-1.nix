# The server `ber-1`. Everything else comes from git.
{
  services.provost = {
    settings = {
      source.git = {
        url = "https://git.example.org/shop.git";
        path = "manifests";
      };
      # Only commits that one of these signed take effect.
      signers = [ ];
      labels.site = "berlin";
    };

    # Who may log in, by ssh as `operator`. `sealed` says that nobody may: then the server is governed from git alone.
    appliance = {
      keys = [ ];
      sealed = true;
    };
  };
}
