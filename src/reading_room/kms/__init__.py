"""AWS Key Management Service: keys, their policies and grants, and cryptography with them."""
