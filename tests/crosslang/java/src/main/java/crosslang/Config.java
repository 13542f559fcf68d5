package crosslang;

import com.google.gson.Gson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The config of a run; ../README.md says what each part means. */
final class Config {
  String run;

  // The name in JSON is a word of Java.
  @com.google.gson.annotations.SerializedName("default")
  String defaultEndpoint;

  Map<String, Map<String, String>> endpoints;
  Map<String, String> absent;
  Map<String, String> tokens;
  List<String> controls;

  static Config load(String path) throws IOException {
    return new Gson().fromJson(Files.readString(Path.of(path)), Config.class);
  }
}
