package crosslang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PatternsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"a\": null}         | {}",
        "{\"a\": \"$present\"} | {\"a\": 0}",
        "{\"a\": []}           | {}",
        "{\"a\": {\"$length\": 0}} | {}",
        "{\"a\": {\"$each\": 1}}   | {}",
        "{\"$length\": 1}      | \"😀\"",
        "{\"$at_least\": 3}    | \"3\"",
        "{\"$at_least\": 3}    | 3.5",
        "{\"$each\": {\"a\": 1}} | [{\"a\": 1, \"b\": 2}, {\"a\": 1.0}]",
        "{\"$contains\": \"b\"} | \"abc\"",
      })
  void matches(String pattern, String actual) {
    assertNull(Patterns.mismatch(json(pattern), json(actual), ""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"a\": null}         | {\"a\": 0}",
        "{\"a\": \"$present\"} | {}",
        "{\"a\": []}           | {\"a\": [1]}",
        "{\"$length\": 2}      | \"😀\"",
        "{\"$at_least\": 3}    | \"2\"",
        "{\"$at_least\": 3}    | \"x\"",
        "{\"$each\": 1}        | [1, 2]",
        "{\"$contains\": \"d\"} | \"abc\"",
        "[1, 2]                | [1]",
        "1                     | \"1\"",
        "1                     | true",
      })
  void differs(String pattern, String actual) {
    assertNotNull(Patterns.mismatch(json(pattern), json(actual), ""));
  }

  @Test
  void expandsVariablesAndRepetitions() {
    JsonElement value = json("[{\"$repeat\": 2, \"item\": \"${run}-${i}\"}, \"${text:3}\"]");
    assertEquals(json("[\"r$-0\", \"r$-1\", \"xxx\"]"), Values.expand(value, Map.of("run", "r$")));
  }

  @Test
  void picksParts() {
    assertEquals("7", Values.pick(json("{\"a\": [{\"b\": 7}]}"), "a[0].b"));
  }

  private static JsonElement json(String text) {
    return JsonParser.parseString(text);
  }
}
