package crosslang;

import static crosslang.Values.isAbsent;
import static crosslang.Values.isString;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.math.BigDecimal;
import java.util.Map;

/** Compares what came with what is expected. */
final class Patterns {
  private static final int SHOWN = 300;

  private Patterns() {}

  /** Where and how an answer differs from a pattern; null when it does not. */
  static String mismatch(JsonElement pattern, JsonElement actual, String path) {
    if (pattern.isJsonArray()) {
      return mismatchArray(pattern.getAsJsonArray(), actual, path);
    }
    if (pattern.isJsonObject()) {
      return mismatchObject(pattern.getAsJsonObject(), actual, path);
    }
    if (isString(pattern) && pattern.getAsString().equals("$present")) {
      return isAbsent(actual) ? difference(path, "something", actual) : null;
    }
    boolean same = isAbsent(pattern) ? isAbsent(actual) : equal(pattern, actual);
    return same ? null : difference(path, pattern.toString(), actual);
  }

  private static String mismatchArray(JsonArray pattern, JsonElement actual, String path) {
    JsonElement array = isAbsent(actual) ? new JsonArray() : actual;
    if (!array.isJsonArray() || array.getAsJsonArray().size() != pattern.size()) {
      return difference(path, pattern.size() + " elements", array);
    }
    String wrong = null;
    for (int index = 0; index < pattern.size() && wrong == null; index++) {
      wrong = mismatch(pattern.get(index), array.getAsJsonArray().get(index), path + "[" + index + "]");
    }
    return wrong;
  }

  private static String mismatchObject(JsonObject pattern, JsonElement actual, String path) {
    if (pattern.has("$length")) {
      int length = pattern.get("$length").getAsInt();
      return length(actual) == length ? null : difference(path, length + " elements", actual);
    }
    if (pattern.has("$at_least")) {
      BigDecimal least = pattern.get("$at_least").getAsBigDecimal();
      BigDecimal number = number(actual);
      return number != null && number.compareTo(least) >= 0 ? null : difference(path, "at least " + least, actual);
    }
    if (pattern.has("$each")) {
      return mismatchEach(pattern.get("$each"), actual, path);
    }
    if (pattern.has("$contains")) {
      String part = pattern.get("$contains").getAsString();
      boolean fits = !isAbsent(actual) && isString(actual) && actual.getAsString().contains(part);
      return fits ? null : difference(path, "something with " + part, actual);
    }
    if (isAbsent(actual) || !actual.isJsonObject()) {
      return difference(path, "an object", actual);
    }
    for (Map.Entry<String, JsonElement> entry : pattern.entrySet()) {
      String key = entry.getKey();
      String wrong = mismatch(entry.getValue(), actual.getAsJsonObject().get(key), path + "." + key);
      if (wrong != null) {
        return wrong;
      }
    }
    return null;
  }

  private static String mismatchEach(JsonElement pattern, JsonElement actual, String path) {
    if (isAbsent(actual)) {
      return null;
    }
    if (!actual.isJsonArray()) {
      return difference(path, "an array", actual);
    }
    for (int index = 0; index < actual.getAsJsonArray().size(); index++) {
      String wrong = mismatch(pattern, actual.getAsJsonArray().get(index), path + "[" + index + "]");
      if (wrong != null) {
        return wrong;
      }
    }
    return null;
  }

  private static int length(JsonElement actual) {
    if (isAbsent(actual)) {
      return 0;
    }
    if (isString(actual)) {
      String text = actual.getAsString();
      return text.codePointCount(0, text.length());
    }
    return actual.isJsonArray() ? actual.getAsJsonArray().size() : -1;
  }

  private static BigDecimal number(JsonElement actual) {
    if (isAbsent(actual) || !actual.isJsonPrimitive()) {
      return null;
    }
    boolean digits = isString(actual) && actual.getAsString().matches("[0-9]+");
    return digits || actual.getAsJsonPrimitive().isNumber() ? actual.getAsBigDecimal() : null;
  }

  private static boolean equal(JsonElement pattern, JsonElement actual) {
    BigDecimal expected = isString(pattern) ? null : number(pattern);
    BigDecimal came = isAbsent(actual) || isString(actual) ? null : number(actual);
    // 1 and 1.0 are the same number, and differ as BigDecimal.
    return expected != null && came != null ? expected.compareTo(came) == 0 : pattern.equals(actual);
  }

  private static String difference(String path, String expected, JsonElement actual) {
    String shown = isAbsent(actual) ? "nothing" : actual.toString();
    String where = path.isEmpty() ? "the answer" : path.replaceFirst("^\\.", "");
    return where + ": expected " + expected + ", got " + shown.substring(0, Math.min(SHOWN, shown.length()));
  }
}
