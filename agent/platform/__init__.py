"""What this machine is: its name, its network namespaces with their interfaces and addresses, and the processes that talk. Told again as it changes."""
