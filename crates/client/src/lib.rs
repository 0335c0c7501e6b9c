//! An HTTP/1.1 and HTTP/2 client whose requests outlive their connections.
