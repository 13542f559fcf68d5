package crosslang;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The values of steps with their variables, and parts of answers. */
final class Values {
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([^}]*)\\}");
  private static final Pattern PART = Pattern.compile("[^.\\[\\]]+");

  private Values() {}

  /** A value with its variables and repetitions filled in. */
  static JsonElement expand(JsonElement value, Map<String, String> variables) {
    if (value.isJsonObject()) {
      JsonObject expanded = new JsonObject();
      value.getAsJsonObject().asMap().forEach((key, entry) -> expanded.add(key, expand(entry, variables)));
      return expanded;
    }
    if (value.isJsonArray()) {
      return expandArray(value.getAsJsonArray(), variables);
    }
    if (!isString(value)) {
      return value;
    }
    return new JsonPrimitive(
        VARIABLE
            .matcher(value.getAsString())
            .replaceAll(match -> Matcher.quoteReplacement(variable(match.group(1), variables))));
  }

  private static JsonArray expandArray(JsonArray array, Map<String, String> variables) {
    JsonArray expanded = new JsonArray();
    for (JsonElement entry : array) {
      if (entry.isJsonObject() && entry.getAsJsonObject().has("$repeat")) {
        JsonObject repeat = entry.getAsJsonObject();
        Map<String, String> inner = new HashMap<>(variables);
        for (int index = 0; index < repeat.get("$repeat").getAsInt(); index++) {
          inner.put("i", String.valueOf(index));
          expanded.add(expand(repeat.get("item"), inner));
        }
      } else {
        expanded.add(expand(entry, variables));
      }
    }
    return expanded;
  }

  private static String variable(String name, Map<String, String> variables) {
    if (name.startsWith("text:")) {
      return "x".repeat(Integer.parseInt(name.substring("text:".length())));
    }
    String value = variables.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no variable " + name);
    }
    return value;
  }

  /** A part of an answer, by a path such as `sessions[0].id`, as text. */
  static String pick(JsonElement answer, String path) {
    JsonElement found = answer;
    Matcher parts = PART.matcher(path);
    while (parts.find()) {
      found =
          found.isJsonArray()
              ? found.getAsJsonArray().get(Integer.parseInt(parts.group()))
              : found.getAsJsonObject().get(parts.group());
      if (found == null) {
        throw new IllegalArgumentException("nothing to save at " + path);
      }
    }
    return isString(found) ? found.getAsString() : found.toString();
  }

  static boolean isString(JsonElement value) {
    return value instanceof JsonPrimitive primitive && primitive.isString();
  }

  static boolean isAbsent(JsonElement value) {
    return value == null || value instanceof JsonNull;
  }
}
