"""What checkpoint formats lose when processes are killed, disks fail and bytes change: see README.md."""
