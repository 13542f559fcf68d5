package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand fills in the variables and repetitions of a value.
func expand(value any, variables map[string]string) (any, error) {
	switch typed := value.(type) {
	case string:
		return expandText(typed, variables)
	case map[string]any:
		expanded := make(map[string]any, len(typed))
		for key, entry := range typed {
			inner, err := expand(entry, variables)
			if err != nil {
				return nil, err
			}
			expanded[key] = inner
		}
		return expanded, nil
	case []any:
		expanded := []any{}
		for _, entry := range typed {
			copies, item, known := 1, entry, variables
			object, isObject := entry.(map[string]any)
			count, repeats := object["$repeat"].(float64)
			if isObject && repeats {
				copies, item, known = int(count), object["item"], map[string]string{}
				for name, text := range variables {
					known[name] = text
				}
			}
			for index := range copies {
				if repeats {
					known["i"] = strconv.Itoa(index)
				}
				inner, err := expand(item, known)
				if err != nil {
					return nil, err
				}
				expanded = append(expanded, inner)
			}
		}
		return expanded, nil
	}
	return value, nil
}

func expandText(text string, variables map[string]string) (string, error) {
	var unknown error
	expanded := variable.ReplaceAllStringFunc(text, func(match string) string {
		name := match[2 : len(match)-1]
		if size, found := strings.CutPrefix(name, "text:"); found {
			count, err := strconv.Atoi(size)
			unknown = err
			return strings.Repeat("x", count)
		}
		known, found := variables[name]
		if !found {
			unknown = fmt.Errorf("no variable %s", name)
		}
		return known
	})
	return expanded, unknown
}

// mismatch says where and how an answer differs from a pattern; "" when it does not.
func mismatch(pattern, actual any, path string) string {
	switch typed := pattern.(type) {
	case map[string]any:
		return mismatchObject(typed, actual, path)
	case []any:
		elements, isArray := asArray(actual)
		if !isArray || len(elements) != len(typed) {
			return difference(path, fmt.Sprintf("%d elements", len(typed)), actual)
		}
		for index, inner := range typed {
			if wrong := mismatch(inner, elements[index], fmt.Sprintf("%s[%d]", path, index)); wrong != "" {
				return wrong
			}
		}
		return ""
	case string:
		if typed == "$present" {
			if actual == nil {
				return difference(path, "something", actual)
			}
			return ""
		}
	}
	if !reflect.DeepEqual(pattern, actual) {
		return difference(path, shown(pattern), actual)
	}
	return ""
}

func mismatchObject(pattern map[string]any, actual any, path string) string {
	if length, found := pattern["$length"].(float64); found {
		size := -1
		if text, isText := actual.(string); isText {
			size = utf8.RuneCountInString(text)
		} else if elements, isArray := asArray(actual); isArray {
			size = len(elements)
		}
		if size != int(length) {
			return difference(path, fmt.Sprintf("%v elements", length), actual)
		}
		return ""
	}
	if least, found := pattern["$at_least"].(float64); found {
		number, isNumber := actual.(float64)
		if text, isText := actual.(string); isText {
			parsed, err := strconv.ParseFloat(text, 64)
			number, isNumber = parsed, err == nil
		}
		if !isNumber || number < least {
			return difference(path, fmt.Sprintf("at least %v", least), actual)
		}
		return ""
	}
	if each, found := pattern["$each"]; found {
		elements, isArray := asArray(actual)
		if !isArray {
			return difference(path, "an array", actual)
		}
		for index, element := range elements {
			if wrong := mismatch(each, element, fmt.Sprintf("%s[%d]", path, index)); wrong != "" {
				return wrong
			}
		}
		return ""
	}
	if part, found := pattern["$contains"].(string); found {
		if text, isText := actual.(string); !isText || !strings.Contains(text, part) {
			return difference(path, "something with "+part, actual)
		}
		return ""
	}
	object, isObject := actual.(map[string]any)
	if !isObject {
		return difference(path, "an object", actual)
	}
	for key, inner := range pattern {
		if wrong := mismatch(inner, object[key], path+"."+key); wrong != "" {
			return wrong
		}
	}
	return ""
}

// asArray takes an absent array for an empty one.
func asArray(actual any) ([]any, bool) {
	if actual == nil {
		return nil, true
	}
	elements, isArray := actual.([]any)
	return elements, isArray
}

func difference(path, expected string, actual any) string {
	if path = strings.TrimPrefix(path, "."); path == "" {
		path = "the answer"
	}
	return fmt.Sprintf("%s: expected %s, got %.300s", path, expected, shown(actual))
}

func shown(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

var part = regexp.MustCompile(`[^.\[\]]+`)

// pick finds a part of an answer by a path such as sessions[0].id.
func pick(answer any, path string) (string, error) {
	for _, step := range part.FindAllString(path, -1) {
		switch typed := answer.(type) {
		case map[string]any:
			answer = typed[step]
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index >= len(typed) {
				return "", fmt.Errorf("no element %s in %s", step, path)
			}
			answer = typed[index]
		default:
			answer = nil
		}
	}
	if text, isText := answer.(string); isText {
		return text, nil
	}
	if answer == nil {
		return "", fmt.Errorf("the answer has no %s", path)
	}
	return shown(answer), nil
}
