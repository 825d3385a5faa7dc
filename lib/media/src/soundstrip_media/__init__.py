"""Where the audio lies in a media file, by the file's own index; nothing is decoded."""
