"""Reading compiled programs (HLO text): what they cost one device."""
