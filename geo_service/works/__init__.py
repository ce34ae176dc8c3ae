"""Works (*cantieri e fasi*): presets, phases, revisions, schedule versions."""
