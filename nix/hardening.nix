# What the service may not do.
#
# Provost asks an engine to start containers; it starts none itself, so that it needs no privilege of its own. What it
# does need is the engine's socket, and whoever has that can be root on the machine: these settings protect against
# mistakes and against what comes in over the network, not against the engine.
#
# Left out, with reasons:
# - PrivateNetwork, IPAddressDeny: it fetches from git and calls webhooks.
# - PrivateUsers: the engine's socket is reached through a supplementary group.
# - PrivateMounts beyond what follows from the rest: the engine mounts folders of the state into containers, so that
#   their paths must be the host's.
{
  AmbientCapabilities = "";
  CapabilityBoundingSet = "";
  DevicePolicy = "closed";
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  NoNewPrivileges = true;
  PrivateDevices = true;
  PrivateTmp = true;
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHome = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  ProtectProc = "invisible";
  ProcSubset = "pid";
  ProtectSystem = "strict";
  RemoveIPC = true;
  RestrictAddressFamilies = [
    "AF_UNIX"
    "AF_INET"
    "AF_INET6"
  ];
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
  SystemCallErrorNumber = "EPERM";
  SystemCallFilter = [
    "@system-service"
    "~@privileged"
    "~@resources"
  ];
  # Folders of steps may be passed through, and their files be read as each is told.
  UMask = "0066";
}
