"""What keeps an installation sound: backup, restore, documents that nothing refers to any more."""
