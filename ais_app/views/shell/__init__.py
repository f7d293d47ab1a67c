"""What surrounds the tabs: status line, jobs, notifications, command palette, help."""
