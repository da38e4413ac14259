"""The evaluation kit on the miniature: its judge as a recogniser, its studio as a host."""
