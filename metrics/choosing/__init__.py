"""How the shipped settings were chosen: trials, the rule and the sweep; never trains."""
