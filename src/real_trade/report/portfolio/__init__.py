"""The report of several strategies in one account: their sub-ledgers side by side, and the account as their sum."""
