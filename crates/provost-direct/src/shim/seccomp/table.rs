//! The numbers of system calls, by what they are for.

use libc::*;

// What `libc` does not name yet; from 424 on, all processors have the same numbers.
#[cfg(target_arch = "x86_64")]
const SYS_IO_PGETEVENTS: i64 = 333;
#[cfg(target_arch = "aarch64")]
const SYS_IO_PGETEVENTS: i64 = 292;
const SYS_CACHESTAT: i64 = 451;
const SYS_FUTEX_WAKE: i64 = 454;
const SYS_FUTEX_WAIT: i64 = 455;
const SYS_FUTEX_REQUEUE: i64 = 456;

/// What every container may call.
pub(super) const ALLOWED: &[i64] = &[
    // Files and folders.
    #[cfg(target_arch = "x86_64")]
    SYS_access,
    SYS_chdir,
    #[cfg(target_arch = "x86_64")]
    SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    SYS_chown,
    SYS_close,
    SYS_close_range,
    SYS_copy_file_range,
    #[cfg(target_arch = "x86_64")]
    SYS_creat,
    SYS_dup,
    #[cfg(target_arch = "x86_64")]
    SYS_dup2,
    SYS_dup3,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_fadvise64,
    SYS_fallocate,
    SYS_fchdir,
    SYS_fchmod,
    SYS_fchmodat,
    #[cfg(target_arch = "x86_64")]
    SYS_fchmodat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_fcntl,
    SYS_fdatasync,
    SYS_fgetxattr,
    SYS_flistxattr,
    SYS_flock,
    SYS_fremovexattr,
    SYS_fsetxattr,
    SYS_fstat,
    SYS_fstatfs,
    SYS_fsync,
    SYS_ftruncate,
    #[cfg(target_arch = "x86_64")]
    SYS_futimesat,
    SYS_getcwd,
    #[cfg(target_arch = "x86_64")]
    SYS_getdents,
    SYS_getdents64,
    SYS_getxattr,
    SYS_ioctl,
    #[cfg(target_arch = "x86_64")]
    SYS_lchown,
    SYS_lgetxattr,
    #[cfg(target_arch = "x86_64")]
    SYS_link,
    SYS_linkat,
    SYS_listxattr,
    SYS_llistxattr,
    SYS_lremovexattr,
    SYS_lseek,
    SYS_lsetxattr,
    #[cfg(target_arch = "x86_64")]
    SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    SYS_mkdir,
    SYS_mkdirat,
    #[cfg(target_arch = "x86_64")]
    SYS_mknod,
    SYS_mknodat,
    SYS_name_to_handle_at,
    SYS_newfstatat,
    #[cfg(target_arch = "x86_64")]
    SYS_open,
    SYS_openat,
    SYS_openat2,
    SYS_pread64,
    SYS_preadv,
    SYS_preadv2,
    SYS_pwrite64,
    SYS_pwritev,
    SYS_pwritev2,
    SYS_read,
    SYS_readahead,
    #[cfg(target_arch = "x86_64")]
    SYS_readlink,
    SYS_readlinkat,
    SYS_readv,
    SYS_removexattr,
    #[cfg(target_arch = "x86_64")]
    SYS_rename,
    #[cfg(target_arch = "x86_64")]
    SYS_renameat,
    SYS_renameat2,
    #[cfg(target_arch = "x86_64")]
    SYS_rmdir,
    SYS_sendfile,
    SYS_setxattr,
    SYS_splice,
    #[cfg(target_arch = "x86_64")]
    SYS_stat,
    SYS_statfs,
    SYS_statx,
    #[cfg(target_arch = "x86_64")]
    SYS_symlink,
    SYS_symlinkat,
    SYS_sync,
    #[cfg(target_arch = "x86_64")]
    SYS_sync_file_range,
    SYS_syncfs,
    SYS_tee,
    SYS_truncate,
    SYS_umask,
    #[cfg(target_arch = "x86_64")]
    SYS_unlink,
    SYS_unlinkat,
    #[cfg(target_arch = "x86_64")]
    SYS_utime,
    SYS_utimensat,
    #[cfg(target_arch = "x86_64")]
    SYS_utimes,
    SYS_vmsplice,
    SYS_write,
    SYS_writev,
    // Waiting and watching.
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_create,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_ctl_old,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_wait_old,
    #[cfg(target_arch = "x86_64")]
    SYS_eventfd,
    SYS_eventfd2,
    SYS_fanotify_mark,
    SYS_inotify_add_watch,
    #[cfg(target_arch = "x86_64")]
    SYS_inotify_init,
    SYS_inotify_init1,
    SYS_inotify_rm_watch,
    SYS_io_cancel,
    SYS_io_destroy,
    SYS_io_getevents,
    SYS_io_setup,
    SYS_io_submit,
    #[cfg(target_arch = "x86_64")]
    SYS_pause,
    #[cfg(target_arch = "x86_64")]
    SYS_pipe,
    SYS_pipe2,
    #[cfg(target_arch = "x86_64")]
    SYS_poll,
    SYS_ppoll,
    SYS_pselect6,
    #[cfg(target_arch = "x86_64")]
    SYS_select,
    #[cfg(target_arch = "x86_64")]
    SYS_signalfd,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_gettime,
    SYS_timerfd_settime,
    // Memory.
    SYS_brk,
    SYS_futex,
    SYS_futex_waitv,
    SYS_get_robust_list,
    SYS_madvise,
    SYS_membarrier,
    SYS_memfd_create,
    SYS_memfd_secret,
    SYS_mincore,
    SYS_mlock,
    SYS_mlock2,
    SYS_mlockall,
    SYS_mmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_mseal,
    SYS_msync,
    SYS_munlock,
    SYS_munlockall,
    SYS_munmap,
    SYS_pkey_alloc,
    SYS_pkey_free,
    SYS_pkey_mprotect,
    SYS_process_mrelease,
    SYS_remap_file_pages,
    SYS_set_robust_list,
    // Processes and their signals.
    #[cfg(target_arch = "x86_64")]
    SYS_alarm,
    SYS_clone,
    SYS_execve,
    SYS_execveat,
    SYS_exit,
    SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    SYS_fork,
    SYS_getitimer,
    SYS_getpgid,
    #[cfg(target_arch = "x86_64")]
    SYS_getpgrp,
    SYS_getpid,
    SYS_getppid,
    SYS_getpriority,
    #[cfg(target_arch = "x86_64")]
    SYS_getrlimit,
    SYS_getrusage,
    SYS_getsid,
    SYS_gettid,
    SYS_ioprio_get,
    SYS_ioprio_set,
    SYS_kill,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_prctl,
    SYS_prlimit64,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_restart_syscall,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_rt_sigpending,
    SYS_rt_sigprocmask,
    SYS_rt_sigqueueinfo,
    SYS_rt_sigreturn,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_rt_tgsigqueueinfo,
    SYS_sched_get_priority_max,
    SYS_sched_get_priority_min,
    SYS_sched_getaffinity,
    SYS_sched_getattr,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_sched_rr_get_interval,
    SYS_sched_setaffinity,
    SYS_sched_setattr,
    SYS_sched_setparam,
    SYS_sched_setscheduler,
    SYS_sched_yield,
    #[cfg(target_arch = "x86_64")]
    SYS_set_thread_area,
    #[cfg(target_arch = "x86_64")]
    SYS_get_thread_area,
    SYS_set_tid_address,
    SYS_setitimer,
    SYS_setpgid,
    SYS_setpriority,
    #[cfg(target_arch = "x86_64")]
    SYS_setrlimit,
    SYS_setsid,
    SYS_sigaltstack,
    SYS_tgkill,
    SYS_times,
    SYS_tkill,
    #[cfg(target_arch = "x86_64")]
    SYS_vfork,
    SYS_wait4,
    SYS_waitid,
    // Who one is.
    SYS_capget,
    SYS_capset,
    SYS_getegid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getgroups,
    SYS_getresgid,
    SYS_getresuid,
    SYS_getuid,
    SYS_landlock_add_rule,
    SYS_landlock_create_ruleset,
    SYS_landlock_restrict_self,
    SYS_seccomp,
    SYS_setfsgid,
    SYS_setfsuid,
    SYS_setgid,
    SYS_setgroups,
    SYS_setregid,
    SYS_setresgid,
    SYS_setresuid,
    SYS_setreuid,
    SYS_setuid,
    // Talking to others; `socket` has rules of its own.
    SYS_accept,
    SYS_accept4,
    SYS_bind,
    SYS_connect,
    SYS_getpeername,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_listen,
    SYS_mq_getsetattr,
    SYS_mq_notify,
    SYS_mq_open,
    SYS_mq_timedreceive,
    SYS_mq_timedsend,
    SYS_mq_unlink,
    SYS_msgctl,
    SYS_msgget,
    SYS_msgrcv,
    SYS_msgsnd,
    SYS_recvfrom,
    SYS_recvmmsg,
    SYS_recvmsg,
    SYS_semctl,
    SYS_semget,
    SYS_semop,
    SYS_semtimedop,
    SYS_sendmmsg,
    SYS_sendmsg,
    SYS_sendto,
    SYS_setsockopt,
    SYS_shmat,
    SYS_shmctl,
    SYS_shmdt,
    SYS_shmget,
    SYS_shutdown,
    SYS_socketpair,
    // Time and the machine.
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_clock_getres,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_getcpu,
    SYS_getrandom,
    SYS_gettimeofday,
    SYS_nanosleep,
    SYS_sysinfo,
    #[cfg(target_arch = "x86_64")]
    SYS_time,
    SYS_timer_create,
    SYS_timer_delete,
    SYS_timer_getoverrun,
    SYS_timer_gettime,
    SYS_timer_settime,
    SYS_uname,
    // Newer ones.
    SYS_IO_PGETEVENTS,
    SYS_CACHESTAT,
    SYS_FUTEX_WAKE,
    SYS_FUTEX_WAIT,
    SYS_FUTEX_REQUEUE,
    // Of this processor.
    #[cfg(target_arch = "x86_64")]
    SYS_arch_prctl,
    #[cfg(target_arch = "x86_64")]
    SYS_modify_ldt,
];

/// What those may call besides who have a capability.
pub(super) const BY_CAPABILITY: &[(&str, &[i64])] = &[
    ("CAP_BPF", &[SYS_bpf]),
    ("CAP_DAC_READ_SEARCH", &[SYS_open_by_handle_at]),
    ("CAP_PERFMON", &[SYS_perf_event_open]),
    (
        "CAP_SYS_ADMIN",
        &[
            SYS_bpf,
            SYS_clone3,
            SYS_fanotify_init,
            SYS_fsconfig,
            SYS_fsmount,
            SYS_fsopen,
            SYS_fspick,
            SYS_mount,
            SYS_mount_setattr,
            SYS_move_mount,
            SYS_open_tree,
            SYS_perf_event_open,
            SYS_quotactl,
            SYS_quotactl_fd,
            SYS_setdomainname,
            SYS_sethostname,
            SYS_setns,
            SYS_syslog,
            SYS_umount2,
            SYS_unshare,
        ],
    ),
    ("CAP_SYS_BOOT", &[SYS_reboot]),
    ("CAP_SYS_CHROOT", &[SYS_chroot]),
    ("CAP_SYS_MODULE", &[SYS_delete_module, SYS_init_module, SYS_finit_module]),
    ("CAP_SYS_NICE", &[SYS_get_mempolicy, SYS_mbind, SYS_set_mempolicy, SYS_set_mempolicy_home_node]),
    ("CAP_SYS_PACCT", &[SYS_acct]),
    ("CAP_SYS_PTRACE", &[SYS_kcmp, SYS_pidfd_getfd, SYS_process_madvise]),
    (
        "CAP_SYS_RAWIO",
        &[
            #[cfg(target_arch = "x86_64")]
            SYS_iopl,
            #[cfg(target_arch = "x86_64")]
            SYS_ioperm,
        ],
    ),
    ("CAP_SYS_TIME", &[SYS_settimeofday, SYS_clock_settime]),
    ("CAP_SYS_TTY_CONFIG", &[SYS_vhangup]),
    ("CAP_SYSLOG", &[SYS_syslog]),
];

/// What the kernel is said not to know, so that programs go the older way.
///
/// `clone3` hides its flags where no filter can read them; the others came later than the list above.
pub(super) const UNKNOWN: &[i64] =
    &[SYS_clone3, 457, 458, 459, 460, 461, 463, 464, 465, 466, 467, 468, 469, 470, 471, 472];
