"""Training of IP-Adapter FaceID: networks, method, pictures and what a recogniser says of faces."""
