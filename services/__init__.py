"""One folder per deployable process; services share only libs and the native module."""
