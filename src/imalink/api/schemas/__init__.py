"""What requests may say and answers do say, as models: the first are checked by them, both are described by them."""
