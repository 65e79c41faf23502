//! A voice that sings notes with words in them.
