"""MP3 as LAME and FFmpeg write it: frames, the header before them, files joined from parts."""
