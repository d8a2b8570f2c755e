"""Parts of a customer profile, for :mod:`ckm.profile`."""
