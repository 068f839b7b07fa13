"""What a phone downloads: objects by digest, a manifest naming them, and a history whose newest entry is in force."""
